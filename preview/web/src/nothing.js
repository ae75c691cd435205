// Stands for packages that @grafana/ui can load and that nothing here asks for.
export default undefined;
export const loader = undefined;
export const Editor = undefined;
export const DiffEditor = undefined;
export const useMonaco = undefined;
