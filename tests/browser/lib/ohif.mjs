// OHIF's viewer as its makers build it, fetched once as a package and served beside a Karez whose DICOMweb it reads. The
// test's own server stands between: the viewer's files and `/dicomweb` have one origin, and the token stays with the server.

import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream, existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { createServer, request } from 'node:http';
import { extname, join, normalize } from 'node:path';

const VERSION = '3.11.1';
const INTEGRITY = 'sha512-0lJRyHguGuIR06PxeJ3rqnPWf1OAqsaXGuqT2kl5HkNjIOxBDnRTTMvyHnkn3ZyjcHlsIhY8gf0h7AhVORqsSQ==';
const cache = new URL('../node_modules/.cache/ohif/', import.meta.url).pathname;

/** The folder of the built viewer. Only this package is fetched: what it was built from is in it already. */
function bundle() {
  const folder = join(cache, VERSION);
  if (existsSync(folder)) return join(folder, 'package/dist');
  const fresh = `${folder}.new`;
  rmSync(fresh, { recursive: true, force: true });
  mkdirSync(fresh, { recursive: true });
  const options = ['pack', `@ohif/app@${VERSION}`, '--ignore-scripts', '--json', '--pack-destination', fresh];
  const [{ filename }] = JSON.parse(execFileSync('npm', options, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] }));
  const packed = join(fresh, filename);
  const digest = `sha512-${createHash('sha512').update(readFileSync(packed)).digest('base64')}`;
  if (digest !== INTEGRITY) throw new Error(`@ohif/app ${VERSION} is not what it was: ${digest}`);
  execFileSync('tar', ['xzf', packed, '-C', fresh]);
  rmSync(packed);
  renameSync(fresh, folder);
  return join(folder, 'package/dist');
}

const TYPES = {
  '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css', '.json': 'application/json',
  '.wasm': 'application/wasm', '.svg': 'image/svg+xml', '.png': 'image/png', '.woff2': 'font/woff2',
};

const config = (hospital) => `window.config = {
  routerBasename: '/', extensions: [], modes: [], showStudyList: true, maxNumberOfWebWorkers: 1,
  showWarningMessageForCrossOrigin: false, showCPUFallbackMessage: false, showLoadingIndicator: true,
  strictZSpacingForVolumeViewport: true, investigationalUseDialog: { option: 'never' },
  maxNumRequests: { interaction: 20, thumbnail: 5, prefetch: 5 },
  defaultDataSourceName: 'karez',
  dataSources: [{
    namespace: '@ohif/extension-default.dataSourcesModule.dicomweb',
    sourceName: 'karez',
    configuration: {
      friendlyName: 'Karez', name: 'karez',
      wadoUriRoot: '/dicomweb/${hospital}', qidoRoot: '/dicomweb/${hospital}', wadoRoot: '/dicomweb/${hospital}',
      qidoSupportsIncludeField: true, supportsFuzzyMatching: true, supportsWildcard: true, supportsReject: false,
      imageRendering: 'wadors', thumbnailRendering: 'wadors', enableStudyLazyLoad: true,
      staticWado: false, singlepart: 'bulkdata,video', bulkDataURI: { enabled: true, relativeResolution: 'studies' },
    },
  }],
};`;

/** Serves the viewer for one hospital of the Karez at `base`; what DICOMweb answered is noted in `asked`. */
export async function serveOhif({ base, hospital, token }) {
  const dist = bundle();
  const asked = [];
  const karez = new URL(base);
  const pass = (req, res) => {
    const headers = { ...req.headers, host: karez.host, authorization: `Bearer ${token}` };
    for (const name of ['cookie', 'origin', 'referer', 'sec-fetch-site']) delete headers[name];
    const onward = request({ host: karez.hostname, port: karez.port, method: req.method, path: req.url, headers }, (answer) => {
      asked.push({ method: req.method, path: req.url, accept: req.headers.accept, status: answer.statusCode });
      res.writeHead(answer.statusCode, answer.headers);
      answer.pipe(res);
    });
    onward.on('error', () => res.destroy());
    req.pipe(onward);
  };
  const server = createServer((req, res) => {
    const { pathname } = new URL(req.url, 'http://localhost');
    if (pathname.startsWith('/dicomweb/')) return pass(req, res);
    if (pathname === '/app-config.js') {
      return res.writeHead(200, { 'content-type': 'text/javascript' }).end(config(hospital));
    }
    const file = join(dist, normalize(pathname));
    // Addresses of the viewer's own pages are its first page.
    const known = extname(file) !== '' && file.startsWith(dist) && existsSync(file);
    const path = known ? file : join(dist, 'index.html');
    res.writeHead(200, { 'content-type': TYPES[extname(path)] ?? 'application/octet-stream' });
    return createReadStream(path).pipe(res);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    base: `http://127.0.0.1:${server.address().port}`,
    asked,
    stop: () => new Promise((resolve) => {
      server.closeAllConnections();
      server.close(resolve);
    }),
  };
}
