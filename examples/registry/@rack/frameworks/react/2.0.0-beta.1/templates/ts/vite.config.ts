import babel from '@rolldown/plugin-babel';
import react, { reactCompilerPreset } from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

export default defineConfig({
  // The compiler memoizes components and hooks; code that breaks the Rules of React is left alone.
  plugins: [react(), babel({ presets: [reactCompilerPreset()] })],
  server: { port: 5173, strictPort: true },
  preview: { port: 4173, strictPort: true },
  build: { sourcemap: true },
});
