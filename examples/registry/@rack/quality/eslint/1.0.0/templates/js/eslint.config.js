import js from '@eslint/js';
import prettier from 'eslint-config-prettier/flat';
import { defineConfig, globalIgnores } from 'eslint/config';
import globals from 'globals';

export default defineConfig([
  globalIgnores(['coverage/', 'dist/']),
  js.configs.recommended,
  { languageOptions: { globals: globals.node } },
  prettier,
]);
