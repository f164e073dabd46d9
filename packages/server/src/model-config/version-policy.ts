import type { ModelVersionPolicy } from '@nereid/protocol';

/**
 * The versions to load, ascending, of those that the model's folder has. Specific versions that are not
 * there are left out; `missingVersions` names them.
 * @param policy null is the newest version only
 */
export function selectVersions(
  policy: ModelVersionPolicy | null,
  available: readonly number[],
): number[] {
  const present = [...new Set(available)].sort((a, b) => a - b);
  if (policy === null) return present.slice(-1);
  if (policy.specific !== null) {
    const wanted = new Set(policy.specific.versions);
    return present.filter((version) => wanted.has(version));
  }
  if (policy.latest !== null) {
    const count = policy.latest.num_versions;
    return count === 0 ? [] : present.slice(-count);
  }
  return present;
}

/** Versions that the policy names and the folder does not have: worth an error in the log, each. */
export function missingVersions(
  policy: ModelVersionPolicy | null,
  available: readonly number[],
): number[] {
  const present = new Set(available);
  return (policy?.specific?.versions ?? []).filter((version) => !present.has(version));
}
