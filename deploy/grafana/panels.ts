// How a dashboard is made of few words: kinds of panels, and where they stand. What Grafana takes is
// typed by its own schema, so that a member it does not know does not compile.
import { type Dashboard, FieldColorModeId, type Panel, ThresholdsMode } from '@grafana/schema';

type Unit = 'short' | 's' | 'reqps' | 'ops' | 'percentunit' | 'bytes' | 'dateTimeFromNow' | 'none' | 'bool_yes_no';
type Kind = 'stat' | 'timeseries' | 'table' | 'bargauge' | 'logs' | 'alertlist';

/** A panel: what it is called, what is asked, and what each answer is called in its legend. */
export interface Words {
  title: string;
  /** What it tells whom, in a sentence. */
  tells?: string;
  kind?: Kind;
  unit?: Unit;
  /** Columns, of 24. */
  wide?: number;
  asks: Record<string, string>;
  /** From which value on it is not as it should be. */
  red?: number;
  /** That the value has to stay above that, and not below. */
  below?: boolean;
}

const PROMETHEUS = { type: 'prometheus', uid: 'prometheus' };
const LOKI = { type: 'loki', uid: 'loki' };
const HEIGHT = 7;
const COLUMNS = 24;

/** Answers of Prometheus, as a line over time unless said otherwise. */
export function panel(words: Words): Panel {
  const kind = words.kind ?? 'timeseries';
  const source = kind === 'logs' ? LOKI : PROMETHEUS;
  const now = kind === 'table' || kind === 'bargauge';
  const [good, bad] = words.below ? ['red', 'green'] : ['green', 'red'];
  const steps = [{ value: null, color: words.red === undefined ? 'blue' : good }];
  return {
    type: kind,
    title: words.title,
    description: words.tells,
    datasource: source,
    gridPos: { x: 0, y: 0, w: words.wide ?? 8, h: kind === 'stat' ? 4 : HEIGHT },
    targets: Object.entries(words.asks).map(([legend, expr], index) => ({
      refId: String.fromCharCode(65 + index),
      datasource: source,
      expr,
      legendFormat: legend,
      ...(now ? { instant: true, format: 'table' } : {}),
    })),
    fieldConfig: {
      defaults: {
        unit: words.unit ?? 'short',
        thresholds: {
          mode: ThresholdsMode.Absolute,
          steps: words.red === undefined ? steps : [...steps, { value: words.red, color: bad }],
        },
        color: { mode: kind === 'timeseries' ? FieldColorModeId.PaletteClassic : FieldColorModeId.Thresholds },
      },
      overrides: [],
    },
    options: kind === 'stat' ? { colorMode: 'value', graphMode: 'area', reduceOptions: { calcs: ['lastNotNull'] } } : {},
  };
}

/** Panels from left to right, in rows as high as their highest. */
export function dashboard(uid: string, title: string, tells: string, panels: Panel[], from = 'now-6h'): Dashboard {
  let [x, y, high] = [0, 0, 0];
  const placed = panels.map((each, index) => {
    const { w, h } = each.gridPos ?? { w: 8, h: HEIGHT };
    if (x + w > COLUMNS) [x, y, high] = [0, y + high, 0];
    const gridPos = { x, y, w, h };
    [x, high] = [x + w, Math.max(high, h)];
    return { ...each, id: index + 1, gridPos };
  });
  return {
    uid,
    title,
    description: tells,
    tags: ['commerce'],
    editable: false,
    schemaVersion: 41,
    refresh: '30s',
    time: { from, to: 'now' },
    timezone: 'browser',
    panels: placed,
  };
}
