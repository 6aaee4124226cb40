import type { SyntaxNode, Tree } from '@lezer/common';
import { parser } from '@prometheus-io/lezer-promql';

/**
 * Puts durations where Grafana would, longer names first; other variables stand in strings, where
 * PromQL takes anything.
 */
export function withDurations(expr: string, durations: Readonly<Record<string, string>>): string {
  return Object.entries(durations)
    .toSorted(([one], [other]) => other.length - one.length)
    .reduce((text, [variable, duration]) => text.replaceAll(variable, duration), expr);
}

export interface Matcher {
  readonly label: string;
  readonly operator: string;
  readonly value: string;
}

export interface Aggregation {
  readonly operator: string;
  readonly by: readonly string[];
}

export interface Selector {
  readonly metric: string;
  readonly matchers: readonly Matcher[];
  /** The aggregations around it, innermost first. */
  readonly aggregations: readonly Aggregation[];
  /** Functions and aggregations around it, innermost first. */
  readonly inside: readonly string[];
  /** Of its range, as written. */
  readonly range: string | undefined;
  /** Its value is that of one time, whatever the step: `@ end()`. */
  readonly fixed: boolean;
}

export interface Analysis {
  /** Syntax errors. */
  readonly errors: readonly string[];
  readonly selectors: readonly Selector[];
  /** Labels that it groups by, joins on or takes over. */
  readonly grouping: readonly string[];
  /** Labels that label_replace, label_join and count_values make. */
  readonly made: readonly string[];
}

export function analyse(expr: string): Analysis {
  const tree = parser.parse(expr);
  const textOf = ({ from, to }: SyntaxNode): string => expr.slice(from, to);
  return {
    errors: nodesOf(tree, '⚠').map(
      ({ from }) => `at ${from}: ${expr.slice(Math.max(0, from - 30), from + 10)}`,
    ),
    selectors: nodesOf(tree, 'VectorSelector').map((node) => selectorOf(node, textOf)),
    grouping: nodesOf(tree, 'GroupingLabels').flatMap((node) => node.getChildren('LabelName').map(textOf)),
    made: [...nodesOf(tree, 'FunctionCall'), ...nodesOf(tree, 'AggregateExpr')]
      .filter((node) => ['label_replace', 'label_join', 'count_values'].includes(nameOf(node, textOf) ?? ''))
      .flatMap((node) => node.getChild('FunctionCallBody')?.getChildren('StringLiteral').slice(0, 1) ?? [])
      .map((node) => textOf(node).slice(1, -1)),
  };
}

type TextOf = (node: SyntaxNode) => string;

function selectorOf(node: SyntaxNode, textOf: TextOf): Selector {
  const around = ancestorsOf(node);
  const matrix = around.find(({ name }) => name === 'MatrixSelector' || name === 'SubqueryExpr');
  const identifier = node.getChild('Identifier');
  const duration = matrix?.getChild('DurationExpr');
  return {
    metric: identifier === null ? '' : textOf(identifier),
    matchers: (node.getChild('LabelMatchers')?.getChildren('UnquotedLabelMatcher') ?? []).map((matcher) => {
      const part = (name: string): string => {
        const child = matcher.getChild(name);
        return child === null ? '' : textOf(child);
      };
      return {
        label: part('LabelName'),
        operator: part('MatchOp'),
        value: part('StringLiteral').slice(1, -1),
      };
    }),
    aggregations: around
      .filter(({ name }) => name === 'AggregateExpr')
      .map((aggregate) => aggregationOf(aggregate, textOf)),
    inside: around.flatMap((each) => nameOf(each, textOf) ?? []),
    fixed: around.some(({ name }) => name === 'StepInvariantExpr'),
    range: duration === null || duration === undefined ? undefined : textOf(duration),
  };
}

function aggregationOf(node: SyntaxNode, textOf: TextOf): Aggregation {
  const modifier = node.getChild('AggregateModifier');
  const labels = modifier?.getChild('By') === null ? null : modifier?.getChild('GroupingLabels');
  return {
    operator: nameOf(node, textOf) ?? '',
    by: labels?.getChildren('LabelName').map(textOf) ?? [],
  };
}

/** Of a function or aggregation. */
function nameOf(node: SyntaxNode, textOf: TextOf): string | undefined {
  const name = node.getChild('FunctionIdentifier') ?? node.getChild('AggregateOp');
  return name === null ? undefined : textOf(name);
}

function ancestorsOf(node: SyntaxNode): readonly SyntaxNode[] {
  const ancestors: SyntaxNode[] = [];
  for (let parent = node.parent; parent !== null; parent = parent.parent) ancestors.push(parent);
  return ancestors;
}

function nodesOf(tree: Tree, name: string): readonly SyntaxNode[] {
  const nodes: SyntaxNode[] = [];
  tree.iterate({
    enter: (ref) => {
      if (ref.name === name) nodes.push(ref.node);
    },
  });
  return nodes;
}
