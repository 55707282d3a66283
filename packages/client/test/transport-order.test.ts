import { describe, expect, test } from 'vitest'
import { TransportOrder } from '../src/transport-order.js'

const BOTH = ['websocket', 'polling'] as const

describe('the order of transports', () => {
  test('is the preferred one until a WebSocket was not answered', () => {
    const order = new TransportOrder(BOTH)
    expect(order.current).toEqual(['websocket', 'polling'])
    order.unanswered()
    expect(order.current).toEqual(['polling', 'websocket'])
  })

  test('is the preferred one again after ten minutes', () => {
    let now = 0
    const order = new TransportOrder(BOTH, () => now)
    order.unanswered()
    now = 599_999
    expect(order.current).toEqual(['polling', 'websocket'])
    now = 600_000
    expect(order.current).toEqual(['websocket', 'polling'])
  })

  test('is the preferred one again when polling is not answered either', () => {
    const order = new TransportOrder(BOTH)
    order.unanswered()
    order.unanswered()
    expect(order.current).toEqual(['websocket', 'polling'])
  })

  test('is the preferred one again once a WebSocket works', () => {
    const order = new TransportOrder(BOTH)
    order.unanswered()
    order.webSocketWorks()
    expect(order.current).toEqual(['websocket', 'polling'])
  })

  test.each([[['websocket']], [['polling']], [['polling', 'websocket']]] as const)('of %j stays', (preferred) => {
    const order = new TransportOrder(preferred)
    order.unanswered()
    expect(order.current).toEqual(preferred)
  })
})
