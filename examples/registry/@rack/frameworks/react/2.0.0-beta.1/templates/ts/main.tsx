import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { App } from './App.tsx';
import { ErrorBoundary } from './ErrorBoundary.tsx';
import './style.css';

const root = document.getElementById('root');
if (!root) throw new Error('index.html has no #root');

createRoot(root, {
  onCaughtError(error) {
    console.error('caught by an error boundary', error);
  },
  onUncaughtError(error) {
    console.error('uncaught while rendering', error);
  },
}).render(
  <StrictMode>
    <ErrorBoundary fallback={<p role="alert">Something went wrong. Please reload the page.</p>}>
      <App />
    </ErrorBoundary>
  </StrictMode>,
);
