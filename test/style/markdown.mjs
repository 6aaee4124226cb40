// Prettier's printer for Markdown, except that tables stay as written: prettier pads every cell to the width of
// its column's longest, which would make each row of the README's tables hundreds of columns wide.
import { doc } from 'prettier';
import { parsers as prettierParsers, printers as prettierPrinters } from 'prettier/plugins/markdown';

const { join, hardline } = doc.builders;
const { mdast } = prettierPrinters;

// Prettier takes a printer from the plugin that has the parser.
export const parsers = { markdown: prettierParsers.markdown };

export const printers = {
  mdast: {
    ...mdast,
    print(path, options, ...rest) {
      const { node } = path;
      if (node.type !== 'table') return mdast.print(path, options, ...rest);
      const text = options.originalText.slice(options.locStart(node), options.locEnd(node));
      return join(
        hardline,
        text.split('\n').map((row) => row.trim()),
      );
    },
  },
};
