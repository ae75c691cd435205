// One-time initialisation of the Grafana packages: what Grafana core's app.ts does on start-up.
import {
  booleanOverrideProcessor, createTheme, dataLinksOverrideProcessor, displayNameOverrideProcessor, EventBusSrv,
  FieldConfigProperty, identityOverrideProcessor, locationUtil, numberOverrideProcessor, setTimeZoneResolver,
  standardEditorsRegistry, standardFieldConfigEditorRegistry, standardTransformers, standardTransformersRegistry,
  stringOverrideProcessor, thresholdsOverrideProcessor, unitOverrideProcessor, valueMappingsOverrideProcessor,
} from '@grafana/data';
import { initPluginTranslations } from '@grafana/i18n';
import { config, setAppEvents } from '@grafana/runtime';

export const theme = createTheme({ colors: { mode: 'dark' } });
export const eventBus = new EventBusSrv();

const DEFAULT_STEPS = [{ value: -Infinity, color: 'green' }, { value: 80, color: 'red' }];

// [id, override processor, default value, settings]; ids as in FieldConfigProperty (+ 'actions', 'filterable').
const STANDARD_FIELD_OPTIONS = [
  [FieldConfigProperty.Unit, unitOverrideProcessor],
  [FieldConfigProperty.Min, numberOverrideProcessor],
  [FieldConfigProperty.Max, numberOverrideProcessor],
  ['fieldMinMax', booleanOverrideProcessor],
  [FieldConfigProperty.Decimals, numberOverrideProcessor],
  [FieldConfigProperty.DisplayName, displayNameOverrideProcessor, undefined, { expandTemplateVars: true }],
  [FieldConfigProperty.Color, identityOverrideProcessor],
  [FieldConfigProperty.NoValue, stringOverrideProcessor],
  [FieldConfigProperty.Links, dataLinksOverrideProcessor],
  ['actions', identityOverrideProcessor],
  [FieldConfigProperty.Mappings, valueMappingsOverrideProcessor, []],
  [FieldConfigProperty.Thresholds, thresholdsOverrideProcessor, { mode: 'absolute', steps: DEFAULT_STEPS }],
  [FieldConfigProperty.Filterable, booleanOverrideProcessor],
];

// Option builders look their editors up by id; nothing is edited here.
const EDITORS = [
  'text', 'number', 'slider', 'boolean', 'radio', 'select', 'multi-select', 'unit', 'color', 'fieldColor', 'fieldName',
  'links', 'actions', 'mappings', 'thresholds', 'stats-picker', 'strings', 'timezone', 'dashboard-uid',
];

/** `current`: the address's time range and variables, for the links in panels. */
export async function boot(current) {
  await initPluginTranslations('grafana-ui'); // t() throws until this has run
  config.theme2 = theme;
  setAppEvents(eventBus);
  setTimeZoneResolver(() => 'browser');
  locationUtil.initialize({
    config,
    getTimeRangeForUrl: () => current().range.raw,
    getVariablesUrlParams: () => current().variablesForUrl(),
  });
  standardEditorsRegistry.setInit(() => EDITORS.map((id) => ({ id, name: id, editor: () => null })));
  standardFieldConfigEditorRegistry.setInit(() =>
    STANDARD_FIELD_OPTIONS.map(([id, process, defaultValue, settings = {}]) => ({
      id, path: id, name: id, description: '', defaultValue, settings, process,
      editor: () => null, override: () => null, shouldApply: () => true, getItemsCount: () => 0,
    }))
  );
  standardTransformersRegistry.setInit(() =>
    Object.entries(standardTransformers)
      .filter(([name]) => name !== 'seriesToColumnsTransformer') // the same object as joinByFieldTransformer
      .map(([, t]) => ({ id: t.id, name: t.name, transformation: () => Promise.resolve(t) }))
  );
}
