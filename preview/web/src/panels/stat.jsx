import { getDisplayValueAlignmentFactors } from '@grafana/data';
import { BigValue, DataLinksContextMenu, VizRepeater } from '@grafana/ui';
import { theme } from '../boot.js';
import { getValues } from './values.js';

export function StatPanel({ data, options, width, height, fieldConfig, replaceVariables, timeZone }) {
  const sparkline = options.graphMode !== 'none';
  const values = () =>
    getValues({ series: data.series, options, fieldConfig, replaceVariables, timeZone, sparkline });
  const one = ({ value, alignmentFactors, width, height, count }, menu) => (
    <BigValue
      value={value.display}
      count={count}
      sparkline={value.sparkline}
      colorMode={options.colorMode}
      graphMode={options.graphMode}
      justifyMode={options.justifyMode}
      textMode={options.textMode}
      alignmentFactors={alignmentFactors}
      text={options.text}
      width={width}
      height={height}
      theme={theme}
      onClick={menu?.openMenu}
      className={menu?.targetClassName}
      hasLinks={value.hasLinks}
      disableWideLayout={!options.wideLayout}
      percentChangeColorMode={options.percentChangeColorMode}
    />
  );
  const linked = (props) => (
    <DataLinksContextMenu links={props.value.getLinks}>{(menu) => one(props, menu)}</DataLinksContextMenu>
  );
  return (
    <VizRepeater
      getValues={values}
      getAlignmentFactors={getDisplayValueAlignmentFactors}
      renderValue={(props) => (props.value.hasLinks ? linked(props) : one(props))}
      width={width}
      height={height}
      source={data}
      itemSpacing={3}
      renderCounter={0}
      autoGrid
      orientation={options.orientation}
    />
  );
}
