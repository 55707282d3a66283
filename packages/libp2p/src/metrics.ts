import type { CounterGroup, MetricGroup, Metrics } from '@libp2p/interface'

/** Metrics of a transport. Names and keys match libp2p's own transports, so that dashboards can be shared. */
export interface TransportMetrics {
  /** Keys: `connect`, `error`, `abort`, and the ways in which connections end. */
  readonly dialerEvents: CounterGroup
  readonly listener: ListenerMetrics
}

/** Keys begin with the host of the star, as those of libp2p's listeners do. */
export interface ListenerMetrics {
  /** Keys: `<host> connection`, and the ways in which connections end. */
  readonly events: MetricGroup
  /** Keys: `<host> listen_error`, `<host> inbound_upgrade`. */
  readonly errors: MetricGroup
  /** Key `<host>`: 1 while the star is joined, otherwise 0. */
  readonly status: MetricGroup
}

export function registerMetrics(metrics: Metrics, inbound: () => Record<string, number>): TransportMetrics {
  metrics.registerMetricGroup('libp2p_websocket_star_inbound_connections_total', {
    label: 'address',
    help: 'Current active connections in WebSocketStar listeners',
    calculate: inbound
  })
  return {
    dialerEvents: metrics.registerCounterGroup('libp2p_websocket_star_dialer_events_total', {
      label: 'event',
      help: 'Total count of WebSocketStar dialer events by type'
    }),
    listener: {
      events: metrics.registerMetricGroup('libp2p_websocket_star_listener_events_total', {
        label: 'address',
        help: 'Total count of WebSocketStar listener events by type'
      }),
      errors: metrics.registerMetricGroup('libp2p_websocket_star_listener_errors_total', {
        label: 'address',
        help: 'Total count of WebSocketStar listener errors by type'
      }),
      status: metrics.registerMetricGroup('libp2p_websocket_star_listener_status_info', {
        label: 'address',
        help: 'Whether the star of a WebSocketStar listener is joined'
      })
    }
  }
}
