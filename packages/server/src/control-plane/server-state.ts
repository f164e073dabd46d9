/** Where the server is in its life. The composition root alone changes it. */
export interface ServerState {
  phase: 'starting' | 'ready' | 'exiting';
}
