// The links beside a panel's title.
import { textUtil } from '@grafana/data';

/** [{title, href, target}] */
export const panelLinks = ({ panel, interpolate }) =>
  (panel.links ?? []).map(({ title, url, targetBlank }) => ({
    title: interpolate(title), href: textUtil.sanitizeUrl(interpolate(url)), target: targetBlank ? '_blank' : undefined,
  }));
