/** gRPC's own health service, as load balancers and probes ask it. */
export const healthProto: string = `// Whether a server takes requests.
syntax = "proto3";

package grpc.health.v1;

message HealthCheckRequest {
  string service = 1;
}

message HealthCheckResponse {
  enum ServingStatus {
    UNKNOWN = 0;
    SERVING = 1;
    NOT_SERVING = 2;
    SERVICE_UNKNOWN = 3;
  }
  ServingStatus status = 1;
}

service Health {
  rpc Check(HealthCheckRequest) returns (HealthCheckResponse) {}
  // The status now, and each time that it changes.
  rpc Watch(HealthCheckRequest) returns (stream HealthCheckResponse) {}
}
`;
