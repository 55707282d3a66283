export { eventually, within } from './deadline.js'
export { FaultProxy, type FaultProxyOptions } from './fault-proxy.js'
export {
  BINARY,
  CLOSE,
  fragmentedFrames,
  frameHeadLength,
  MASK_WORD,
  maskedFrame,
  PING,
  PONG,
  TEXT,
  textFrame
} from './frame.js'
export { FrameReader, type FrameHandler } from './frame-reader.js'
export { Inbox } from './inbox.js'
export { PollingWire } from './polling-wire.js'
export { Random } from './random.js'
export { headerOf, RawConnection } from './raw-connection.js'
export { connectRaw, openDial, RawPeer, type RawOptions, type Signer } from './raw-peer.js'
export { WebSocketWire } from './web-socket-wire.js'
export type { Closed, Packet, WireOptions } from './wire.js'
