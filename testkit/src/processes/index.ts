export { freePort } from './free-port.js'
export { OwnedProcess } from './owned-process.js'
export { RedisServer, type ConnectionType, type RedisOptions } from './redis.js'
