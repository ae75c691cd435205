const centred = { display: 'flex', height: '100%', alignItems: 'center', justifyContent: 'center', opacity: 0.75 };

export const PanelMessage = ({ text }) => <div data-testid="panel-message" style={centred}>{text}</div>;
