/**
 * Counters, gauges and histograms in Prometheus' text format
 * (https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format), for `/metrics`.
 *
 * Always true: a name is one family, whoever asks for it first; its series are bounded, so that labels from the network cannot
 * fill the memory: what comes beyond is not counted. Who counts often keeps the child (`with`), which costs an addition.
 */

const MAX_SERIES = 1000;

export interface Counter {
  inc(by?: number): void;
}

export interface Gauge extends Counter {
  set(value: number): void;
}

export interface Histogram {
  observe(value: number): void;
}

/** Label values in the order of the family's label names. */
export interface Family<Child> {
  with(...values: readonly string[]): Child;
  /** What these labels speak of is no more: its series goes. Children handed out before count for nobody. */
  remove(...values: readonly string[]): void;
}

export type Samples = Iterable<readonly [values: readonly string[], value: number]>;

type Type = 'counter' | 'gauge' | 'histogram';

interface Described {
  readonly type: Type;
  lines(): Iterable<string>;
}

export class MetricRegistry {
  readonly #families = new Map<string, { readonly help: string; readonly family: Described }>();

  counter(name: string, help: string, labels: readonly string[] = []): Family<Counter> {
    return this.#family(name, help, () => new Numbers('counter', name, labels));
  }

  gauge(name: string, help: string, labels: readonly string[] = []): Family<Gauge> {
    return this.#family(name, help, () => new Numbers('gauge', name, labels));
  }

  /** @param buckets upper limits, ascending. */
  histogram(name: string, help: string, labels: readonly string[], buckets: readonly number[]): Family<Histogram> {
    return this.#family(name, help, () => new Histograms(name, labels, buckets));
  }

  /** What is read when it is asked for; of one name, the last that is registered counts. */
  collect(type: 'counter' | 'gauge', name: string, help: string, labels: readonly string[], read: () => Samples): void {
    const family: Described = {
      type,
      *lines() {
        for (const [values, value] of read()) yield sample(name, labelText(labels, values), value);
      },
    };
    this.#families.set(name, { help, family });
  }

  text(): string {
    return [...this.families()].join('');
  }

  /** Each as one text; those without series are left out, as Go's client does. */
  *families(): Generator<string> {
    for (const [name, { help, family }] of this.#families) {
      const own = [...family.lines()];
      if (own.length > 0) yield `# HELP ${name} ${help}\n# TYPE ${name} ${family.type}\n${own.join('\n')}\n`;
    }
  }

  #family<F extends Described>(name: string, help: string, make: () => F): F {
    const known = this.#families.get(name)?.family as F | undefined;
    if (known) return known;
    const family = make();
    this.#families.set(name, { help, family });
    return family;
  }
}

abstract class Series<Child> implements Family<Child> {
  protected readonly children = new Map<string, Child>();

  protected constructor(
    protected readonly name: string,
    private readonly labels: readonly string[],
  ) {}

  protected abstract make(): Child;

  with(...values: readonly string[]): Child {
    const labels = labelText(this.labels, values);
    let child = this.children.get(labels);
    if (!child) {
      child = this.make();
      if (this.children.size < MAX_SERIES) this.children.set(labels, child);
    }
    return child;
  }

  remove(...values: readonly string[]): void {
    this.children.delete(labelText(this.labels, values));
  }
}

class Numbers extends Series<NumberChild> {
  constructor(
    readonly type: 'counter' | 'gauge',
    name: string,
    labels: readonly string[],
  ) {
    super(name, labels);
  }

  protected make(): NumberChild {
    return new NumberChild();
  }

  *lines(): Generator<string> {
    for (const [labels, child] of this.children) yield sample(this.name, labels, child.value);
  }
}

class NumberChild implements Gauge {
  value = 0;
  inc(by = 1): void {
    this.value += by;
  }
  set(value: number): void {
    this.value = value;
  }
}

class Histograms extends Series<HistogramChild> {
  readonly type = 'histogram';
  constructor(
    name: string,
    labels: readonly string[],
    private readonly buckets: readonly number[],
  ) {
    super(name, labels);
  }

  protected make(): HistogramChild {
    return new HistogramChild(this.buckets);
  }

  *lines(): Generator<string> {
    // What has never been observed says nothing, in a dozen lines.
    for (const [labels, child] of this.children) if (child.total > 0) yield* child.lines(this.name, labels);
  }
}

/** A histogram by itself, for those who keep many. */
export class HistogramChild implements Histogram {
  readonly #buckets: readonly number[];
  readonly #counts: number[];
  #sum = 0;
  #total = 0;

  constructor(buckets: readonly number[]) {
    this.#buckets = buckets;
    this.#counts = new Array<number>(buckets.length).fill(0);
  }

  get total(): number {
    return this.#total;
  }

  observe(value: number): void {
    this.#sum += value;
    this.#total++;
    const buckets = this.#buckets;
    let at = 0;
    while (at < buckets.length && value > (buckets[at] ?? 0)) at++;
    if (at < buckets.length) this.#counts[at] = (this.#counts[at] ?? 0) + 1;
  }

  /** @param from leaves out the buckets below. */
  *lines(name: string, labels: string, from = Number.NEGATIVE_INFINITY): Generator<string> {
    const before = labels === '' ? '' : `${labels},`;
    let cumulative = 0;
    for (const [index, limit] of this.#buckets.entries()) {
      cumulative += this.#counts[index] ?? 0;
      if (limit >= from) yield `${name}_bucket{${before}le="${limitText(limit)}"} ${cumulative}`;
    }
    yield `${name}_bucket{${before}le="+Inf"} ${this.#total}`;
    yield sample(`${name}_sum`, labels, this.#sum);
    yield sample(`${name}_count`, labels, this.#total);
  }
}

/** `start, start × factor, …`: as Go's client makes buckets. */
export const exponential = (start: number, factor: number, count: number): number[] =>
  Array.from({ length: count }, (_, i) => start * factor ** i);

/** As Go writes a float, so that series keep their names when a scraper compares with upstream's: `1e+06`. */
function limitText(limit: number): string {
  if (limit < 1e6) return String(limit);
  const [digits = '', exponent = '0'] = limit.toExponential().split('e+');
  return `${digits}e+${exponent.padStart(2, '0')}`;
}

const sample = (name: string, labels: string, value: number): string =>
  labels === '' ? `${name} ${value}` : `${name}{${labels}} ${value}`;

const labelText = (names: readonly string[], values: readonly string[]): string =>
  names.map((name, i) => `${name}="${escaped(values[i] ?? '')}"`).join(',');

/** The format knows these three escapes and no others. */
const escaped = (value: string): string =>
  /[\\"\n]/.test(value) ? value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n') : value;
