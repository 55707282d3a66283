// Says so on standard error when the process asks for a name or turns to another machine: node --import <this file>
import dgram from 'node:dgram'
import dns from 'node:dns'
import net from 'node:net'

const LOOPBACK = /^(127\.|::1$|localhost$)/

function watch(object, name, hostOf) {
  const original = object[name]
  object[name] = function (...values) {
    const host = hostOf(...values)
    if (host !== undefined && !LOOPBACK.test(host)) process.stderr.write(`Left this machine: ${name} ${host}\n`)
    return Reflect.apply(original, this, values)
  }
}

watch(dns, 'lookup', (name) => name)
for (const name of ['resolve4', 'resolve6', 'resolveTxt']) watch(dns.promises, name, (name) => name)
watch(dgram.Socket.prototype, 'send', (...values) => values.findLast((value) => typeof value === 'string') ?? 'nowhere')
watch(net.Socket.prototype, 'connect', (first, host) => {
  // Node itself passes its own arguments on as a list.
  const options = Array.isArray(first) ? first[0] : first
  return typeof options === 'object' ? options.host : host
})
