/** What a TypeScript source imports, exports and uses, as the parser of Vite (oxc) reads it. */
import { type ESTree, parseSync, Visitor } from "vite"

export interface SourceFile {
  /** From the root of the repository, such as `packages/domain/src/Slot.ts`. */
  readonly path: string
  /** Module names as written: of values and of types, static and dynamic, and of re-exports. */
  readonly imports: ReadonlyArray<string>
  /** Which of `async`, `await`, `try`, `Date`, `process.env`, `console` and `fetch` it uses. */
  readonly foreign: ReadonlySet<string>
  readonly hasReexport: boolean
  readonly hasDefaultExport: boolean
}

/** Reads `text`, which stands at `path`. Throws when it is not TypeScript. */
export const parse = (path: string, text: string): SourceFile => {
  const { program, errors } = parseSync(path, text, { lang: "ts", sourceType: "module" })
  if (errors[0] !== undefined) throw new Error(`${path}: ${errors[0].message}`)

  const imports: Array<string> = []
  const foreign = new Set<string>()
  const exported: Array<string> = []
  let hasReexport = false

  // A computed name stays the expression that it is, which no rule takes for a module that may be imported.
  const addImport = (source: ESTree.Expression) =>
    imports.push(source.type === "Literal" ? String(source.value) : text.slice(source.start, source.end))
  const addReexport = (source: ESTree.Expression) => {
    addImport(source)
    hasReexport = true
  }
  const addFunction = ({ async }: { readonly async: boolean }) => async && foreign.add("async")
  const addCall = ({ callee }: { readonly callee: ESTree.Expression }) => {
    const name = nameOf(callee)
    if (name === "Date" || name === "fetch") foreign.add(name)
  }

  new Visitor({
    ImportDeclaration: ({ source, specifiers }) => {
      addImport(source)
      const isEnv = specifiers.some(
        (one) => one.type === "ImportSpecifier" && nameOfExport(one.imported) === "env",
      )
      if (source.value === "node:process" && isEnv) foreign.add("process.env")
    },
    ImportExpression: ({ source }) => addImport(source),
    TSImportType: ({ source }) => addImport(source),
    TSExternalModuleReference: ({ expression }) => addImport(expression),

    ExportAllDeclaration: (all) => {
      addReexport(all.source)
      if (all.exported !== null) exported.push(nameOfExport(all.exported))
    },
    ExportNamedDeclaration: ({ source, specifiers }) => {
      if (source !== null) addReexport(source)
      exported.push(...specifiers.map((specifier) => nameOfExport(specifier.exported)))
    },
    ExportDefaultDeclaration: () => exported.push("default"),
    TSExportAssignment: () => exported.push("default"),

    FunctionDeclaration: addFunction,
    FunctionExpression: addFunction,
    ArrowFunctionExpression: addFunction,
    AwaitExpression: () => foreign.add("await"),
    ForOfStatement: (loop) => loop.await && foreign.add("await"),
    VariableDeclaration: ({ kind }) => kind === "await using" && foreign.add("await"),
    TryStatement: () => foreign.add("try"),
    NewExpression: addCall,
    CallExpression: addCall,
    MemberExpression: (member) => {
      const object = nameOf(member.object)
      if (object === "Date" || object === "console") foreign.add(object)
      if (nameOf(member) === "process.env") foreign.add("process.env")
    },
  }).visit(program)
  return { path, imports, foreign, hasReexport, hasDefaultExport: exported.includes("default") }
}

/** Such as `Date`, also of `globalThis.Date`, or `process.env`; undefined for what is not a path of names. */
const nameOf = (expression: ESTree.Expression | ESTree.Super): string | undefined => {
  if (expression.type === "Identifier") return expression.name
  if (expression.type !== "MemberExpression") return undefined
  const { computed, object, property } = expression
  const owner = nameOf(object)
  const own = computed
    ? property.type === "Literal" && String(property.value)
    : property.type === "Identifier" && property.name
  if (owner === undefined || own === false) return undefined
  return owner === "globalThis" ? own : `${owner}.${own}`
}

const nameOfExport = (exported: ESTree.ModuleExportName): string =>
  exported.type === "Literal" ? exported.value : exported.name
