/** What libp2p 3 needs beyond Node 20: run before any test. */
interface Resolvers<T> {
  promise: Promise<T>
  resolve: (value: T | PromiseLike<T>) => void
  reject: (reason?: unknown) => void
}

const promises = Promise as PromiseConstructor & { withResolvers?: <T>() => Resolvers<T> }

promises.withResolvers ??= <T>(): Resolvers<T> => {
  // Assigned by the executor, which runs at once.
  let resolve!: Resolvers<T>['resolve']
  let reject!: Resolvers<T>['reject']
  const promise = new Promise<T>((...settle) => ([resolve, reject] = settle))
  return { promise, resolve, reject }
}
