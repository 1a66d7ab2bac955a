import { render } from 'preact';
import { App } from './app.js';
import { AppBoundary } from './parts/boundary.js';
import { restoreScrollPositions } from './scroll-position.js';
import './styles/base.css';
import './styles/parts.css';

const root = document.getElementById('app');
if (root) {
  restoreScrollPositions();
  render(
    <AppBoundary>
      <App />
    </AppBoundary>,
    root,
  );
}
