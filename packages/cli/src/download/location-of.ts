import { CommandError } from '../command/exit-status.ts';
import type { ModelSource } from '../manage/model-list.ts';
import { FileLocation } from './file-location.ts';
import { GcsLocation } from './gcs-location.ts';
import { HttpLocation } from './http-location.ts';
import { HuggingFaceLocation, huggingFacePlace } from './hugging-face-location.ts';
import type { Location } from './remote-file.ts';
import { S3Location } from './s3-location.ts';

/**
 * Where a source of the list of models leads.
 * @param folder What relative paths begin at: that of the list.
 * @throws CommandError for an address of a kind that is not known; DownloadError for one that is misspelt.
 */
export function locationOf(
  source: ModelSource,
  environment: Readonly<Record<string, string | undefined>>,
  folder: string,
): Location {
  if (source.kind === 'hugging-face') return new HuggingFaceLocation(source, environment);
  const { url } = source;
  const place = huggingFacePlace(url);
  if (place !== null) return new HuggingFaceLocation(place, environment);
  const [, scheme] = /^([a-z\d+.-]+):/iu.exec(url) ?? [];
  switch (scheme?.toLowerCase()) {
    case 'http':
    case 'https':
      if (URL.canParse(url)) return new HttpLocation(url);
      break;
    case 's3':
      return new S3Location(url, environment);
    case 'gs':
      return new GcsLocation(url, environment);
    case 'file':
      return new FileLocation(url, folder);
  }
  throw new CommandError(
    `'${url}' is no address that models can be fetched from: those of https, s3, gs, hf and file are`,
  );
}
