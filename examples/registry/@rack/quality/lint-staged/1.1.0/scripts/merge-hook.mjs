/**
 * Merges a Git hook into one that the project already has: the lines that are new
 * go to the end, what somebody wrote there before stays as it is.
 *
 * @param {string} existing the hook in the project; empty if there is none
 * @param {string} incoming the hook of this item
 * @returns {string} what the hook becomes
 */
export default function mergeHook(existing, incoming) {
  if (existing.trim() === '') return incoming;

  const known = new Set(lines(existing));
  const added = lines(incoming).filter((line) => !line.startsWith('#!') && !known.has(line));
  if (added.length === 0) return existing;

  return `${existing.trimEnd()}\n${added.join('\n')}\n`;
}

/** @param {string} text */
function lines(text) {
  return text
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== '');
}
