/** How many requests have to wait before the first is executed; for tests of clients. */
export interface SchedulerHold {
  /** In slots: `TRITONSERVER_DELAY_SCHEDULER`. 0 holds nothing back, whatever the backlog. */
  readonly requestCount: number;
  /** In the backlog: `TRITONSERVER_BACKLOG_DELAY_SCHEDULER`. */
  readonly backlogRequestCount: number;
}
