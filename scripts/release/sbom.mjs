import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

const DEVELOPMENT = 'cdx:npm:package:development';

/**
 * Returns the CycloneDX document of `npm sbom`, reduced to what users install: npm knows only what
 * is installed next to the package, and counts bundled packages as development dependencies.
 */
export function bundledSbom(name, version) {
  const args = ['sbom', '--sbom-format', 'cyclonedx', '--sbom-type', 'application', '--include', 'dev'];
  const sbom = JSON.parse(execFileSync('npm', args, { encoding: 'utf8', maxBuffer: 64 << 20 }));
  const { packages } = JSON.parse(readFileSync('dist/bundle.json', 'utf8'));
  const bundled = new Set(packages);
  const components = sbom.components
    .filter((component) => bundled.has(`${component.name}@${component.version}`) || !isDevelopment(component))
    .map((component) =>
      isDevelopment(component)
        ? {
            ...component,
            scope: 'required',
            properties: component.properties.filter(({ name }) => name !== DEVELOPMENT),
          }
        : component,
    );
  const kept = new Set(components.map((component) => component['bom-ref']));
  // npm uses the name of the directory instead of that of the package.
  const purl = `pkg:npm/${name}@${version}`;
  const root = { ...sbom.metadata.component, name, version, purl };
  kept.add(root['bom-ref']);
  const dependencies = sbom.dependencies
    .filter(({ ref }) => kept.has(ref))
    .map(({ ref, dependsOn = [] }) => ({ ref, dependsOn: dependsOn.filter((other) => kept.has(other)) }));
  return { ...sbom, metadata: { ...sbom.metadata, component: root }, components, dependencies };
}

function isDevelopment(component) {
  return component.properties?.some(({ name, value }) => name === DEVELOPMENT && value === 'true');
}

/** Returns the CycloneDX document of a package without dependencies. */
export function plainSbom(name, version, purl) {
  const component = { type: 'library', 'bom-ref': purl, name, version, purl };
  const licenses = [{ license: { id: 'Apache-2.0' } }];
  return {
    bomFormat: 'CycloneDX',
    specVersion: '1.5',
    version: 1,
    metadata: { component: { ...component, licenses } },
    components: [],
    dependencies: [{ ref: purl, dependsOn: [] }],
  };
}
