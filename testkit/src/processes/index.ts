export { freePort } from './free-port.js'
export { binaryFromNpm, CACHE, installApart, nodeOf, versionOf } from './npm-packages.js'
export { OwnedProcess } from './owned-process.js'
export { RedisServer, type ConnectionType, type RedisOptions } from './redis.js'
