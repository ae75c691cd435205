// What a stat panel shows: frames reduced to single display values.
import { getFieldDisplayValues } from '@grafana/data';
import { theme } from '../boot.js';

export const getValues = ({ series, options, fieldConfig, replaceVariables, timeZone, sparkline = false }) =>
  getFieldDisplayValues({
    fieldConfig, reduceOptions: options.reduceOptions, replaceVariables, theme, data: series, sparkline,
    percentChange: Boolean(options.showPercentChange), timeZone,
  });
