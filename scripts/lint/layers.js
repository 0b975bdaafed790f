// An oxlint plugin. `layers/imports` holds the import graph that .oxlintrc.json writes down:
// which folder may import which, and which packages may be used where.
import { posix, relative, sep } from "node:path";
import { isBuiltin } from "node:module";
import { root } from "../process.js";

const imports = {
  meta: { type: "problem", schema: false },
  create(context) {
    const file = relative(root, context.filename).split(sep).join("/");
    const graph = context.options[0];
    const home = layerOf(graph, file);
    if (home === undefined) {
      return {
        Program(node) {
          context.report({ node, message: `${file} is in no layer of .oxlintrc.json` });
        },
      };
    }
    const check = (node, source) => {
      if (source?.type !== "Literal" || typeof source.value !== "string") {
        context.report({ node, message: "an import must name its module literally" });
        return;
      }
      const problem = forbidden(graph, home, file, source.value);
      if (problem !== undefined) context.report({ node: source, message: problem });
    };
    return {
      ImportDeclaration: (node) => check(node, node.source),
      ExportAllDeclaration: (node) => check(node, node.source),
      ExportNamedDeclaration: (node) => node.source && check(node, node.source),
      ImportExpression: (node) => check(node, node.source),
      TSImportType: (node) => check(node, node.source ?? node.argument),
    };
  },
};

/** The innermost layer that a file lies in. */
function layerOf(graph, file) {
  return Object.keys(graph)
    .filter((layer) => file === layer || file.startsWith(`${layer}/`))
    .sort((a, b) => b.length - a.length)[0];
}

/** Why `file` may not import `specifier`; undefined when it may. */
function forbidden(graph, home, file, specifier) {
  const { layers = [], packages = [], builtins = true } = graph[home];
  if (specifier.startsWith(".")) {
    const target = posix.join(posix.dirname(file), specifier.replace(/\.js$/, ".ts"));
    const layer = layerOf(graph, target);
    if (layer === undefined) return `${target} is in no layer of .oxlintrc.json`;
    if (within(layer, home) || layers.some((allowed) => reaches(home, allowed, layer))) {
      return undefined;
    }
    return `${home} must not import ${layer}`;
  }
  if (isBuiltin(specifier)) {
    if (builtins === true || builtins.includes(specifier)) return undefined;
    return `${home} must not import ${specifier}`;
  }
  const name = specifier.split("/", specifier.startsWith("@") ? 2 : 1).join("/");
  return packages.includes(name) ? undefined : `${home} must not import the package ${name}`;
}

/** A folder written down stands for all that lies in it; but not for the siblings of `home`. */
function reaches(home, allowed, layer) {
  return layer === allowed || (within(layer, allowed) && !within(home, allowed));
}

function within(layer, folder) {
  return layer === folder || layer.startsWith(`${folder}/`);
}

export default { meta: { name: "layers" }, rules: { imports } };
