// What libp2p 3 needs beyond Node 20: to be run before it is loaded, in this process or by node --import <this file>
Promise.withResolvers ??= function () {
  const all = {}
  all.promise = new this((resolve, reject) => Object.assign(all, { resolve, reject }))
  return all
}
