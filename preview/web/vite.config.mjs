import react from '@vitejs/plugin-react';
import { cpSync } from 'node:fs';
import { defineConfig } from 'vite';

const here = (path) => new URL(path, import.meta.url).pathname;
const module = (path) => here(`./node_modules/${path}`);

// @grafana/scenes imports react-router v6 as 'react-router-dom'; @grafana/ui needs v5 + v5-compat under that name.
// Grafana itself gives scenes the compat package, so the same is done here.
const scenesRouter = {
  name: 'scenes-react-router',
  enforce: 'pre',
  resolveId(source, importer) {
    if (source === 'react-router-dom' && /node_modules[\\/]@grafana[\\/]scenes[\\/]/.test(importer ?? '')) {
      return this.resolve('react-router-dom-v5-compat', importer);
    }
  },
};

// Grafana's components ask for these by URL, so that no import leads to them.
const ICONS = ['custom', 'mono', 'solid', 'unicons'];
const FONTS = {
  'inter/Inter-Regular.woff2': 'inter/files/inter-latin-400-normal.woff2',
  'inter/Inter-Medium.woff2': 'inter/files/inter-latin-500-normal.woff2',
  'inter/Inter-Italic.woff2': 'inter/files/inter-latin-400-italic.woff2',
  'inter/Inter-MediumItalic.woff2': 'inter/files/inter-latin-500-italic.woff2',
  'roboto/RobotoMono-Regular.woff2': 'roboto-mono/files/roboto-mono-latin-400-normal.woff2',
};
const grafanaFiles = {
  name: 'grafana-files',
  closeBundle() {
    for (const folder of ICONS) {
      const icons = module(`@grafana/ui/dist/public/img/icons/${folder}`);
      cpSync(icons, here(`./dist/public/build/img/icons/${folder}`), { recursive: true });
    }
    for (const [name, file] of Object.entries(FONTS)) {
      cpSync(module(`@fontsource/${file}`), here(`./dist/public/fonts/${name}`));
    }
  },
};

export default defineConfig({
  plugins: [scenesRouter, react(), grafanaFiles],
  publicDir: 'static',
  // Some CommonJS dependencies of @grafana/ui read these at module scope.
  define: { 'process.env.NODE_ENV': '"production"', global: 'globalThis' },
  resolve: {
    // Editors and maps, which no dashboard has: 6 MB of script.
    alias: ['@monaco-editor/react', 'monaco-editor'].map((find) => ({
      find: new RegExp(`^${find}(/.*)?$`), replacement: here('./src/nothing.js'),
    })),
    dedupe: ['react', 'react-dom', 'rxjs', 'moment', '@emotion/react', '@emotion/css', '@grafana/data', '@grafana/ui'],
  },
  build: { target: 'es2022', sourcemap: false, chunkSizeWarningLimit: 20000, reportCompressedSize: false },
});
