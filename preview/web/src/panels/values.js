// What stat and bar gauge share: reduce frames to single display values, and where those go.
import { getFieldDisplayValues, VizOrientation } from '@grafana/data';
import { theme } from '../boot.js';

export const getValues = ({ series, options, fieldConfig, replaceVariables, timeZone, sparkline = false }) =>
  getFieldDisplayValues({
    fieldConfig, reduceOptions: options.reduceOptions, replaceVariables, theme, data: series, sparkline,
    percentChange: Boolean(options.showPercentChange), timeZone,
  });

export function orientation(options, width, height) {
  if (options.orientation !== VizOrientation.Auto) {
    return options.orientation;
  }
  return width > height ? VizOrientation.Vertical : VizOrientation.Horizontal;
}
