import { anonymous, shown } from './http-fetch.ts';
import { HttpFile } from './http-file.ts';
import { DownloadError, type Location, type RemoteFile } from './remote-file.ts';

/** A file on the web, or a folder whose files are known by name. */
export class HttpLocation implements Location {
  readonly from: string;
  readonly #url: URL;

  constructor(url: string) {
    this.#url = new URL(url);
    this.from = shown(this.#url);
  }

  file(): RemoteFile {
    return new HttpFile({ url: this.#url, path: '', access: anonymous });
  }

  fileAt(path: string): RemoteFile {
    const url = new URL(this.#url);
    const escaped = path.split('/').map(encodeURIComponent).join('/');
    url.pathname = `${url.pathname.replace(/\/$/u, '')}/${escaped}`;
    return new HttpFile({ url, path, access: anonymous });
  }

  async list(): Promise<RemoteFile[]> {
    throw new DownloadError(
      `${this.from}: the web lists no folders: name the files in the list of models, as files = ["…"]`,
      { isTemporary: false },
    );
  }
}
