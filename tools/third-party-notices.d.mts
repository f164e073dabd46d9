/** The licences of the packages whose files these are, as one text; null where there are none. */
export function thirdPartyNotices(files: readonly string[]): string | null;
