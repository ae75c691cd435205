import { DashboardCursorSync, LoadingState, renderMarkdown } from '@grafana/data';
import { Icon, PanelChrome, PanelContextProvider } from '@grafana/ui';
import { Component } from 'react';
import { eventBus } from './boot.js';
import { panelLinks } from './panelLinks.js';
import { PanelMessage } from './panels/message.jsx';
import { TIME_ZONE } from './timerange.js';

const panelContext = {
  eventsScope: 'preview', eventBus, app: 'dashboard', sync: () => DashboardCursorSync.Off,
  canExecuteActions: () => true, // without it TableNG leaves action cells empty
  canAddAnnotations: () => false, canEditAnnotations: () => false, canDeleteAnnotations: () => false,
};

class Catch extends Component {
  state = {};
  static getDerivedStateFromError(error) { return { error }; }
  componentDidCatch(error) { this.props.onError(error); }
  render() {
    return this.state.error ? <PanelMessage text={`Panel failed: ${this.state.error.message}`} /> : this.props.children;
  }
}

/** A table that has columns but no rows is drawn, too: its header, and 'No rows'. */
const drawable = ({ panel, hasData, series }) =>
  hasData || (panel.type === 'table' && series.some((f) => f.fields.length));

function Body({ state, width, height }) {
  const { plugin, panel, title, series, alerts, structureRev, range, options, fieldConfig, interpolate } = state;
  if (!plugin) {
    return <PanelMessage text={state.errors[0].message} />;
  }
  if (!drawable(state)) {
    return <PanelMessage text={fieldConfig.defaults.noValue || 'No data'} />;
  }
  const Visualization = plugin.panel;
  return (
    <Visualization
      id={panel.id}
      title={title}
      data={{ state: LoadingState.Done, series, alerts, timeRange: range, structureRev }}
      options={options}
      fieldConfig={fieldConfig}
      width={width}
      height={height}
      timeRange={range}
      timeZone={TIME_ZONE}
      replaceVariables={interpolate}
      eventBus={eventBus}
      transparent={Boolean(panel.transparent)}
    />
  );
}

const PanelLinks = ({ state }) =>
  panelLinks(state).map(({ title, href, target }) => (
    <PanelChrome.TitleItem key={href} href={href} target={target} title={title} aria-label={title}>
      <Icon name="external-link-alt" />
    </PanelChrome.TitleItem>
  ));

export function PanelView({ panel, state, rect }) {
  const [error] = state?.errors ?? [];
  const title = state?.title ?? panel.title;
  const describe = () => renderMarkdown(state?.interpolate(panel.description) ?? '');
  return (
    <PanelContextProvider value={panelContext}>
      <PanelChrome
        title={title}
        width={rect.width}
        height={rect.height}
        displayMode={panel.transparent ? 'transparent' : 'default'}
        description={panel.description ? describe : undefined}
        titleItems={state && panel.links?.length ? <PanelLinks state={state} /> : undefined}
        hoverHeader={!title}
        padding={panel.type === 'table' ? 'none' : 'md'}
        loadingState={state ? LoadingState.Done : LoadingState.Loading}
        statusMessage={error && `${error.refId ? `[${error.refId}] ` : ''}${error.message}`}
      >
        {(width, height) =>
          state && (
            <Catch onError={(e) => state.errors.push({ stage: 'render', message: e.message })}>
              <Body state={state} width={width} height={height} />
            </Catch>
          )
        }
      </PanelChrome>
    </PanelContextProvider>
  );
}
