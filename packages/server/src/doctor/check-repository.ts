import { closeSync, type Dirent, openSync, readSync } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { otherFolders, versionOfFolder } from '../repository/version-directories.ts';
import { type Finding, finding } from './finding.ts';

/** Files by which a folder shows that it is a model, and not a repository of models. */
const modelFileNames = /^(config\.pbtxt|model\.(onnx|plan|pt|pt2|py|xml|graphdef|savedmodel))$/u;
/** What Git LFS leaves in the place of a file that was not fetched begins so. */
const lfsPointer = 'version https://git-lfs.github.com/spec/';

/** Mistakes in how the folders and files of one repository lie, which a server passes over in silence. */
export async function checkRepository(path: string): Promise<Finding[]> {
  const entries = await entriesOf(path);
  if (entries === null) {
    return [
      finding(
        'error',
        'repository',
        `the folder ${path} does not exist, or may not be read`,
        'name the folder that holds the models with --model-repository=PATH',
        path,
      ),
    ];
  }
  if (entries.some(({ name }) => modelFileNames.test(name) || versionOfFolder(name) !== null)) {
    return [
      finding(
        'error',
        'repository',
        `${path} is a model, not a repository of models`,
        `give the folder above it: --model-repository=${join(path, '..')}`,
        path,
      ),
    ];
  }
  const models = entries.filter((entry) => !entry.isFile() && !entry.name.startsWith('.'));
  if (models.length === 0) {
    const fix = 'put each model into a folder of its own, as in NAME/1/model.onnx';
    return [finding('warning', 'repository', 'there is no model in it', fix, path)];
  }
  const findings: Finding[] = [];
  for (const { name } of models) findings.push(...(await checkModelFolder(join(path, name), name)));
  return findings;
}

async function checkModelFolder(folder: string, name: string): Promise<Finding[]> {
  const entries = await entriesOf(folder);
  if (entries === null) return [];
  const subject = `model '${name}'`;
  const findings: Finding[] = [];
  for (const entry of entries) {
    if (entry.isFile() && entry.name !== 'config.pbtxt' && modelFileNames.test(entry.name)) {
      const problem = `${entry.name} lies beside the versions, where nothing looks for it`;
      const fix = `move it into the folder of a version: ${join(folder, '1', entry.name)}`;
      findings.push(finding('warning', subject, problem, fix, join(folder, entry.name)));
    }
    if (entry.isFile()) continue;
    if (versionOfFolder(entry.name) !== null) {
      findings.push(...(await checkVersionFolder(join(folder, entry.name), subject)));
    } else if (/^(v|version)?[-_.]?\d+$/iu.test(entry.name) && !otherFolders.has(entry.name)) {
      const problem = `the folder '${entry.name}' is no version: its name must be a whole number from 1 up, without a zero before it`;
      const fix = `rename it to ${Number(/\d+/u.exec(entry.name)?.[0]) || 1}`;
      findings.push(finding('warning', subject, problem, fix, join(folder, entry.name)));
    }
  }
  return findings;
}

async function checkVersionFolder(folder: string, subject: string): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const entry of (await entriesOf(folder)) ?? []) {
    const path = join(folder, entry.name);
    const status = await stat(path).catch(() => null);
    if (status === null) {
      const problem = `${entry.name} is a link that leads nowhere`;
      findings.push(finding('error', subject, problem, 'restore what it points to', path));
    } else if (!status.isFile() || !modelFileNames.test(entry.name)) continue;
    else if (status.size === 0) {
      const problem = `${entry.name} is empty`;
      findings.push(finding('error', subject, problem, 'copy the model file again', path));
    } else if (beginsWith(path, lfsPointer)) {
      const problem = `${entry.name} is a pointer of Git LFS, not the model`;
      findings.push(finding('error', subject, problem, 'fetch the model: git lfs pull', path));
    }
  }
  return findings;
}

function beginsWith(path: string, text: string): boolean {
  const file = openSync(path, 'r');
  try {
    const head = Buffer.alloc(text.length);
    return (
      readSync(file, head, 0, head.length, 0) === head.length && head.toString('latin1') === text
    );
  } finally {
    closeSync(file);
  }
}

async function entriesOf(folder: string): Promise<Dirent[] | null> {
  try {
    return await readdir(folder, { withFileTypes: true });
  } catch {
    return null;
  }
}
