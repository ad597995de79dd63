/** @type {import('@commitlint/types').UserConfig} */
export default {
  extends: ['@commitlint/config-conventional'],
  // Merges and reverts are written by tools, and release commits by CI.
  ignores: [(message) => /^chore\(release\): /.test(message)],
  rules: {
    'body-max-line-length': [1, 'always', 100],
    'header-max-length': [2, 'always', 72],
  },
};
