export {
  type PictureSource,
  TritonVLMClient,
  type VlmClientOptions,
  type VlmOptions,
} from './node/vlm-client.ts';
