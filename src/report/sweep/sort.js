'use strict';
// Headings become buttons that sort the table; what has no value stays last.
const table = document.querySelector('.trials table'), body = table.tBodies[0];
const heads = [...table.tHead.rows[0].cells];
const numeric = new Intl.Collator('en', { numeric: true });

function compare(a, b) {
  const difference = Number(a) - Number(b);
  return Number.isNaN(difference) ? numeric.compare(a, b) : difference;
}

function sort(head, column) {
  const sign = head.getAttribute('aria-sort') === 'ascending' ? -1 : 1;
  const rows = [...body.rows].map(row => [row.cells[column].textContent, row]);
  const isMissing = text => Number(text === '–');
  rows.sort(([a], [b]) => isMissing(a) - isMissing(b) || sign * compare(a, b));
  body.append(...rows.map(([, row]) => row));
  for (const other of heads) other.removeAttribute('aria-sort');
  head.setAttribute('aria-sort', sign === 1 ? 'ascending' : 'descending');
}

heads.forEach((head, column) => {
  const button = document.createElement('button');
  button.textContent = head.textContent;
  button.addEventListener('click', () => sort(head, column));
  head.replaceChildren(button);
});
