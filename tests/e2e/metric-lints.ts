/**
 * What promtool finds in a metrics page: names that Triton chose, by what is wrong with them. Dashboards look
 * for these names. A line more or less is a change that somebody has to want.
 */
export const expectedLints: Readonly<Record<string, readonly string[]>> = {
  'counter metrics should have "_total" suffix': [
    'nv_cache_hit_duration_per_model',
    'nv_cache_miss_duration_per_model',
    'nv_cache_num_hits_per_model',
    'nv_cache_num_misses_per_model',
    'nv_inference_compute_infer_duration_us',
    'nv_inference_compute_input_duration_us',
    'nv_inference_compute_output_duration_us',
    'nv_inference_count',
    'nv_inference_exec_count',
    'nv_inference_queue_duration_us',
    'nv_inference_request_duration_us',
    'nv_inference_request_failure',
    'nv_inference_request_success',
  ],
  "metric name should not include type 'summary'": [
    'nv_cache_hit_summary_per_model',
    'nv_cache_miss_summary_per_model',
    'nv_inference_compute_infer_summary_us',
    'nv_inference_compute_input_summary_us',
    'nv_inference_compute_output_summary_us',
    'nv_inference_queue_summary_us',
    'nv_inference_request_summary_us',
  ],
  'metric names should not contain abbreviated units': [
    'nv_inference_compute_infer_duration_us',
    'nv_inference_compute_infer_summary_us',
    'nv_inference_compute_input_duration_us',
    'nv_inference_compute_input_summary_us',
    'nv_inference_compute_output_duration_us',
    'nv_inference_compute_output_summary_us',
    'nv_inference_first_response_histogram_ms',
    'nv_inference_queue_duration_us',
    'nv_inference_queue_summary_us',
    'nv_inference_request_summary_us',
    'nv_inference_request_duration_us',
  ],
  'non-histogram and non-summary metrics should not have "_count" suffix': [
    'nv_inference_count',
    'nv_inference_exec_count',
    'nv_inference_pending_request_count',
  ],
  "metric name should not include type 'histogram'": ['nv_inference_first_response_histogram_ms'],
};
