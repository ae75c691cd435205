import { getDisplayValueAlignmentFactors } from '@grafana/data';
import { BarGauge, DataLinksContextMenu, VizRepeater } from '@grafana/ui';
import { theme } from '../boot.js';
import { getValues, orientation } from './values.js';

export function BarGaugePanel({ data, options, width, height, fieldConfig, replaceVariables, timeZone }) {
  const direction = orientation(options, width, height);
  const values = () => getValues({ series: data.series, options, fieldConfig, replaceVariables, timeZone });
  const one = ({ value, alignmentFactors, width, height, count }, menu) => (
    <BarGauge
      value={value.display}
      width={width}
      height={height}
      orientation={direction}
      field={value.field}
      display={value.view?.getFieldDisplayProcessor(value.colIndex)}
      text={options.text}
      theme={theme}
      itemSpacing={options.displayMode === 'lcd' ? 2 : 10}
      displayMode={options.displayMode}
      onClick={menu?.openMenu}
      className={menu?.targetClassName}
      alignmentFactors={count > 1 ? alignmentFactors : undefined}
      showUnfilled={options.showUnfilled}
      valueDisplayMode={options.valueMode}
      namePlacement={options.namePlacement}
    />
  );
  const linked = (props) => (
    <DataLinksContextMenu links={props.value.getLinks}>{(menu) => one(props, menu)}</DataLinksContextMenu>
  );
  return (
    <VizRepeater
      source={data}
      getAlignmentFactors={getDisplayValueAlignmentFactors}
      getValues={values}
      renderValue={(props) => (props.value.hasLinks ? linked(props) : one(props))}
      renderCounter={0}
      width={width}
      height={height}
      minVizWidth={options.minVizWidth}
      minVizHeight={options.minVizHeight}
      maxVizHeight={options.maxVizHeight}
      itemSpacing={10}
      orientation={direction}
    />
  );
}
