// The PanelPlugin objects (options defaults + field-config registry). The plugin modules themselves live in
// Grafana core; the names and defaults below follow @grafana/schema's generated panel types and saved dashboards.
import { FieldType, identityOverrideProcessor, PanelPlugin, stringOverrideProcessor } from '@grafana/data';
import { AxisColorMode, AxisPlacement } from '@grafana/schema';
import { commonOptionsBuilder } from '@grafana/ui';
import { StatPanel } from './panels/stat.jsx';
import { StateTimelinePanel } from './panels/statetimeline.jsx';
import { TablePanel } from './panels/table.jsx';
import { TimeSeriesPanel } from './panels/timeseries.jsx';

/** Registers custom field options: {path: defaultValue}. getPanelOptionsWithDefaults drops those that aren't. */
function custom(builder, options, shouldApply = () => true) {
  for (const [path, defaultValue] of Object.entries(options)) {
    builder.addCustomEditor({
      id: path, path, name: path, defaultValue, settings: { expandTemplateVars: true },
      editor: () => null, override: () => null, shouldApply,
      process: typeof defaultValue === 'string' ? stringOverrideProcessor : identityOverrideProcessor,
    });
  }
}

const reduceOptions = { values: false, calcs: ['lastNotNull'], fields: '' };
const byThresholds = { color: { defaultValue: { mode: 'thresholds' } } };
const gaps = { spanNulls: false, insertNulls: false };
const notTime = (field) => field.type !== FieldType.time;
const legend = { displayMode: 'list', placement: 'bottom', showLegend: true, calcs: [] };

const definitions = {
  table: {
    component: TablePanel,
    options: { frameIndex: 0, showHeader: true, cellHeight: 'sm', showTypeIcons: false, sortBy: [] },
    fields: (b) => {
      custom(b, {
        minWidth: undefined, width: undefined, align: 'auto', cellOptions: { type: 'auto' }, inspect: false,
        filterable: undefined, wrapText: undefined, wrapHeaderText: undefined, hideHeader: undefined,
        sortable: undefined, styleField: undefined, 'tooltip.field': undefined, 'tooltip.placement': undefined,
        'footer.reducers': [],
      });
      commonOptionsBuilder.addHideFrom(b);
    },
  },
  stat: {
    component: StatPanel,
    options: {
      reduceOptions, orientation: 'auto', colorMode: 'value', graphMode: 'area', justifyMode: 'auto', textMode: 'auto',
      wideLayout: true, showPercentChange: false, percentChangeColorMode: 'standard',
    },
    standardOptions: byThresholds,
  },
  timeseries: {
    component: TimeSeriesPanel,
    options: { legend, tooltip: { mode: 'single', sort: 'none' } },
    standardOptions: { color: { defaultValue: { mode: 'palette-classic' } } },
    fields: (b) => {
      custom(b, {
        drawStyle: 'line', lineInterpolation: 'linear', barAlignment: 0, barWidthFactor: 0.6, lineWidth: 1,
        fillOpacity: 0, gradientMode: 'none', fillBelowTo: undefined, lineStyle: undefined,
        showPoints: 'auto', showValues: false, pointSize: 5, transform: undefined,
        thresholdsStyle: { mode: 'off' }, lineColor: undefined, fillColor: undefined, pointColor: undefined,
      });
      custom(b, gaps, notTime);
      commonOptionsBuilder.addStackingConfig(b, { mode: 'none', group: 'A' });
      const axis = { axisPlacement: AxisPlacement.Auto, axisColorMode: AxisColorMode.Text };
      commonOptionsBuilder.addAxisConfig(b, axis);
      commonOptionsBuilder.addHideFrom(b);
    },
  },
  'state-timeline': {
    component: StateTimelinePanel,
    options: { alignValue: 'left', mergeValues: true, perPage: 20, rowHeight: 0.9, showValue: 'auto', legend },
    standardOptions: byThresholds,
    fields: (b) => {
      custom(b, { lineWidth: 0, fillOpacity: 70, axisPlacement: 'auto' });
      custom(b, gaps, notTime);
      commonOptionsBuilder.addHideFrom(b);
    },
  },
};

function make(type, { component, options, standardOptions, fields }) {
  const plugin = new PanelPlugin(component);
  plugin.meta = { id: type, name: type, info: {} };
  plugin.useFieldConfig({ useCustomConfig: fields, standardOptions });
  plugin.setPanelOptions((b) => {
    for (const [path, defaultValue] of Object.entries(options)) {
      b.addCustomEditor({ id: path, path, name: path, defaultValue, editor: () => null });
    }
  });
  return plugin;
}

const cache = new Map();

/** PanelPlugin for a type; undefined for one that isn't drawn. */
export function getPlugin(type) {
  if (!cache.has(type)) {
    cache.set(type, definitions[type] && make(type, definitions[type]));
  }
  return cache.get(type);
}
