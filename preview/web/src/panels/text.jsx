import { renderTextPanelMarkdown, textUtil } from '@grafana/data';

/** As the text panel: interpolate, then Grafana's own markdown renderer or HTML sanitiser. */
export function renderText({ mode, content }, replaceVariables) {
  const text = replaceVariables(content, undefined, 'html');
  return mode === 'html' ? textUtil.sanitizeTextPanelContent(text) : renderTextPanelMarkdown(text);
}

export const TextPanel = ({ options, replaceVariables }) => (
  <div
    className="markdown-html"
    style={{ height: '100%', overflow: 'auto' }}
    dangerouslySetInnerHTML={{ __html: renderText(options, replaceVariables) }}
  />
);
