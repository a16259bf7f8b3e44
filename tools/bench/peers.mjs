// Renders with one peer and prints CPU and wall seconds. Called by benchmarks/peers.py:
//   node peers.mjs PEER ROWS.json OUTPUT [TEMPLATE.xlsx]
import fs from 'node:fs'
import { createRequire } from 'node:module'
import { promisify } from 'node:util'

const require = createRequire(process.cwd() + '/')
const [peer, rowsFile, output, template] = process.argv.slice(2)
const rows = JSON.parse(fs.readFileSync(rowsFile, 'utf8'))

const table = `<style>table{border-collapse:collapse;font:8px sans-serif}thead{display:table-header-group}
td,th{border-bottom:1px solid #ccc;padding:2px}</style><table><thead><tr>{{#each header}}<th>{{this}}</th>{{/each}}</tr>
</thead>{{#each rows}}<tr>{{#each this}}<td>{{this}}</td>{{/each}}</tr>{{/each}}</table>`

async function carbone () {
  const render = promisify(require('carbone').render)
  fs.writeFileSync(output, await render(template, rows.map((row) => ({ ...row }))))
}

async function jsreport (recipe) {
  const core = require('@jsreport/jsreport-core')({ logger: { silent: true }, reportTimeout: 110000 })
  core.use(require('@jsreport/jsreport-handlebars')())
  if (recipe === 'xlsx') core.use(require('@jsreport/jsreport-xlsx')())
  else {
    core.use(require('@jsreport/jsreport-chrome-pdf')({
      launchOptions: { executablePath: process.env.CHROMIUM, args: ['--no-sandbox'] }, timeout: 110000
    }))
  }
  await core.init()
  const data = { header: rows[0].map((_, index) => `c${index}`), rows }
  const content = recipe === 'chrome-pdf'
    ? table
    : '{{#xlsxAdd "xl/worksheets/sheet1.xml" "worksheet.sheetData[0].row"}}' +
      '<row>{{#each header}}<c t="inlineStr"><is><t>{{this}}</t></is></c>{{/each}}</row>{{/xlsxAdd}}' +
      '{{#each rows}}{{#xlsxAdd "xl/worksheets/sheet1.xml" "worksheet.sheetData[0].row"}}' +
      '<row>{{#each this}}<c t="inlineStr"><is><t>{{this}}</t></is></c>{{/each}}</row>{{/xlsxAdd}}{{/each}}{{{xlsxPrint}}}'
  const made = await core.render({ template: { content, engine: 'handlebars', recipe }, data })
  fs.writeFileSync(output, made.content)
  await core.close()
}

const started = process.hrtime.bigint()
if (peer === 'carbone') await carbone()
else await jsreport(peer)
const wall = Number(process.hrtime.bigint() - started) / 1e9
console.log(JSON.stringify({ wall, size: fs.statSync(output).size }))
process.exit(0)
