// The dashboards, one for each kind of user. `npm run dashboards` in this folder writes them into
// dashboards/, where Grafana takes them from; the files there are made, never edited.
import { mkdirSync, writeFileSync } from 'node:fs';
import { dashboard, panel } from './panels';

const accepted = (kind: string) => `commerce_commands_total{kind="${kind}", outcome="accepted"}`;
const requests = 'commerce_http_requests_total{route!~"/(live|ready|health|metrics)"}';
const took = (by: string) =>
  `sum by (${by}, le) (rate(commerce_http_request_duration_seconds_bucket{route!~"/(live|ready|health|metrics)"}[5m]))`;

const shop = dashboard('shop', 'Shop', 'For the shop owner: what is sold, and what waits for somebody.', [
  panel({ title: 'Orders today', kind: 'stat', wide: 4, asks: { '{{currency}}': 'shop_sales_today_orders' } }),
  panel({ title: 'Sold today', tells: 'Without what was cancelled or refunded; days are UTC.', kind: 'stat', wide: 4, asks: { '{{currency}}': 'shop_sales_today_net' } }),
  panel({ title: 'Is the shop there?', tells: 'As seen from outside, over 30 days.', kind: 'stat', unit: 'percentunit', wide: 4, red: 0.999, below: true, asks: { '{{instance}}': 'avg(instance:probe_success:ratio30d)' } }),
  panel({ title: 'Money to give back', tells: 'Orders: GET /v1/orders?to_refund=true', kind: 'stat', wide: 4, red: 1, asks: { orders: 'max(shop_refunds_due_orders)' } }),
  panel({ title: 'Payments nobody knows of', tells: 'GET /v1/payments?unknown=true', kind: 'stat', wide: 4, red: 1, asks: { payments: 'max(shop_payments_unknown)' } }),
  panel({ title: 'Disputes', tells: 'The bank waits for evidence.', kind: 'stat', wide: 4, red: 1, asks: { payments: 'max(shop_payments_disputed)' } }),
  panel({ title: 'Checkouts an hour', tells: 'With the same hour a week ago.', wide: 12, asks: {
    now: `sum(increase(${accepted('cart.checkout')}[1h]))`,
    'a week ago': `sum(increase(${accepted('cart.checkout')}[1h] offset 1w))`,
  } }),
  panel({ title: 'From cart to order', tells: 'Of 100 carts that are begun, how many are checked out, over a day.', wide: 6, unit: 'percentunit', asks: {
    'checked out': `sum(increase(${accepted('cart.checkout')}[1d])) / sum(increase(${accepted('cart.create')}[1d]))`,
  } }),
  panel({ title: 'Payments refused', tells: 'Of those that are begun.', wide: 6, unit: 'percentunit', asks: {
    refused: 'sum(rate(commerce_commands_total{kind="payment.start", outcome="refused"}[1h])) / sum(rate(commerce_commands_total{kind="payment.start"}[1h]))',
  } }),
  panel({ title: 'Orders under way', kind: 'bargauge', wide: 8, asks: { '{{payment_status}}, {{fulfilment_status}}': 'sum by (payment_status, fulfilment_status) (shop_orders_open)' } }),
  panel({ title: 'Parcels and returns under way', kind: 'bargauge', wide: 8, asks: { 'parcels {{status}}': 'sum by (status) (shop_parcels_open)', 'returns {{status}}': 'sum by (status) (shop_returns_open)' } }),
  panel({ title: 'SKUs to look at', tells: 'Short: more was promised than there is. Low: at or below their threshold.', wide: 8, asks: { short: 'max(shop_stock_short_skus)', low: 'max(shop_stock_low_skus)' } }),
], 'now-24h');

const operations = dashboard('operations', 'Operations', 'For who keeps it running: what is wrong, what runs, how full it is.', [
  panel({ title: 'What is wrong', kind: 'table', wide: 16, asks: { alert: 'ALERTS{alertstate="firing", alertname!="Watchdog"}' } }),
  panel({ title: 'Programs that answer', kind: 'stat', wide: 8, asks: { '{{job}}': 'sum by (job) (up{job=~"command-api|projector|query-api|reactor"})' } }),
  panel({ title: 'Errors', tells: 'Of all requests; above 5 % somebody is called.', unit: 'percentunit', red: 0.05, asks: { '{{job}}': 'job:commerce_http_errors:ratio5m' } }),
  panel({ title: 'Slowest answers (p99)', unit: 's', red: 1, asks: { '{{job}}': 'job:commerce_http_request_duration_seconds:p99_5m' } }),
  panel({ title: 'Requests', unit: 'reqps', asks: { '{{job}}': 'job:commerce_http_requests:rate5m' } }),
  panel({ title: 'How far readers are behind', unit: 's', red: 60, asks: { '{{projection}}': 'projection:commerce_projection_lag_seconds:max' } }),
  panel({ title: 'Relay behind the log', unit: 'short', red: 10000, asks: { events: 'commerce:relay_behind_events' } }),
  panel({ title: 'Parked, and overdue', red: 1, asks: { 'streams of {{projection}}': 'max by (projection) (commerce_projection_parked_streams) > 0', 'events of the reactor': 'max(commerce_reaction_events_parked)', 'tasks overdue': 'max(commerce_reaction_tasks_overdue)' } }),
  panel({ title: 'Slots that somebody works on', tells: '256 of each projection.', kind: 'table', asks: { '{{projection}}': 'sum by (projection) (commerce_projection_owned_slots)' } }),
  panel({ title: 'Parts as they are needed', kind: 'table', asks: { check: 'min by (job, check) (commerce_health_check_ok)' } }),
  panel({ title: 'Connections to Postgres', unit: 'percentunit', red: 1, asks: { '{{job}} {{instance}}': 'instance:commerce_database_connections:ratio', server: 'sum(pg_stat_activity_count) / max(pg_settings_max_connections)' } }),
  panel({ title: 'Processor', unit: 'percentunit', red: 0.8, asks: { '{{instance}}': 'instance:node_cpu_busy:ratio5m' } }),
  panel({ title: 'Memory left', unit: 'percentunit', red: 0.1, below: true, asks: { '{{instance}}': 'instance:node_memory_available:ratio' } }),
  panel({ title: 'Disk left', unit: 'percentunit', red: 0.1, below: true, asks: { '{{instance}} {{mountpoint}}': 'instance_mountpoint:node_filesystem_available:ratio' } }),
  panel({ title: 'Memory of programs', unit: 'bytes', asks: { '{{job}} {{instance}}': 'process_resident_memory_bytes{job=~"command-api|projector|query-api|reactor"}' } }),
  panel({ title: 'Last backup that was read back', kind: 'stat', unit: 's', red: 93600, asks: { age: 'time() - max(commerce_backup_success_timestamp_seconds)' } }),
  panel({ title: 'Certificate of the front', kind: 'stat', unit: 's', red: 1209600, below: true, asks: { '{{instance}}': 'min(probe_ssl_earliest_cert_expiry) - time()' } }),
  panel({ title: 'What went wrong, in words', kind: 'logs', wide: 24, asks: { '': '{service=~"command-api|projector|query-api|reactor", level=~"ERROR|WARN"}' } }),
]);

const developer = dashboard('developer', 'Developer', 'For who builds on it or in it: routes, commands, refusals, the way of a command.', [
  panel({ title: 'Requests by route', unit: 'reqps', wide: 12, asks: { '{{method}} {{route}}': `topk(15, sum by (method, route) (rate(${requests}[5m])))` } }),
  panel({ title: 'p99 by route', unit: 's', wide: 12, asks: { '{{route}}': `topk(15, histogram_quantile(0.99, ${took('route')}))` } }),
  panel({ title: 'p50, p95, p99', unit: 's', asks: { '{{job}} p50': 'job:commerce_http_request_duration_seconds:p50_5m', '{{job}} p95': 'job:commerce_http_request_duration_seconds:p95_5m', '{{job}} p99': 'job:commerce_http_request_duration_seconds:p99_5m' } }),
  panel({ title: 'Answers by status', unit: 'reqps', asks: { '{{status}}': `sum by (status) (rate(${requests}[5m]))` } }),
  panel({ title: 'Commands by outcome', unit: 'ops', asks: { '{{outcome}}': 'sum by (outcome) (rate(commerce_commands_total[5m]))' } }),
  panel({ title: 'Commands refused, by kind', unit: 'ops', asks: { '{{kind}}': 'sum by (kind) (rate(commerce_commands_total{outcome="refused"}[5m])) > 0' } }),
  panel({ title: 'Until a batch is durable (p99)', tells: 'From a batch\'s decision to its commit.', unit: 's', asks: { '{{instance}}': 'histogram_quantile(0.99, sum by (instance, le) (rate(commerce_writer_batch_duration_seconds_bucket[5m])))' } }),
  panel({ title: 'Commands in a batch', asks: { mean: 'sum(rate(commerce_writer_batch_commands_sum[5m])) / sum(rate(commerce_writer_batch_commands_count[5m]))' } }),
  panel({ title: 'Events appended, published, folded', unit: 'ops', asks: { appended: 'sum(rate(commerce_writer_events_total[5m]))', published: 'sum(rate(commerce_relay_events_published_total[5m]))', 'folded by {{projection}}': 'sum by (projection) (rate(commerce_projection_events_total[5m]))' } }),
  panel({ title: 'Batches decided anew', tells: 'Others had appended to the same streams.', unit: 'ops', asks: { stale: 'sum(rate(commerce_writer_stale_batches_total[5m]))' } }),
  panel({ title: 'Searches', unit: 'ops', asks: { '{{backend}} {{outcome}}': 'sum by (backend, outcome) (rate(commerce_searches_total[5m]))' } }),
  panel({ title: 'Gateways', unit: 'ops', asks: { '{{kind}}': 'sum by (kind) (rate(commerce_gateway_answers_total[5m]))' } }),
  panel({ title: 'Webhooks', unit: 'ops', asks: { '{{outcome}}': 'sum by (outcome) (rate(commerce_webhook_attempts_total[5m]))' } }),
  panel({ title: 'Who waits and who follows', asks: { 'reads that wait for a position': 'sum(commerce_reads_waiting)', followers: 'sum(commerce_followers)', exports: 'sum(commerce_exports)' } }),
  panel({ title: 'Which builds run', kind: 'table', asks: { build: 'count by (job, version, commit) (commerce_build_info)' } }),
  panel({ title: 'Log of the programs', kind: 'logs', wide: 24, asks: { '': '{service=~"command-api|projector|query-api|reactor"} | json' } }),
]);

const analyst = dashboard('analyst', 'Analyst', 'For analysts: what happens, how fresh the figures are. The figures themselves: views in SQL, GET /v1/events.', [
  panel({ title: 'Events in the log', kind: 'stat', wide: 6, asks: { position: 'max(commerce_log_head_position)' } }),
  panel({ title: 'Sales are as of', tells: 'How far the view `sales` is behind the log.', kind: 'stat', unit: 's', wide: 6, red: 60, asks: { behind: 'max(commerce_projection_lag_seconds{projection="sales"})' } }),
  panel({ title: 'Exports under way', kind: 'stat', wide: 6, asks: { exports: 'sum(commerce_exports)' } }),
  panel({ title: 'Who follows live', kind: 'stat', wide: 6, asks: { followers: 'sum(commerce_followers)' } }),
  panel({ title: 'What the latest events were', tells: 'Of the last 10,000.', kind: 'bargauge', wide: 12, asks: { '{{type}}': 'topk(20, sum by (type) (shop_events_latest))' } }),
  panel({ title: 'Events a minute', wide: 12, asks: { events: 'sum(rate(commerce_writer_events_total[5m])) * 60' } }),
  panel({ title: 'Sold today, gross and net', wide: 12, asks: { 'gross {{currency}}': 'sum by (currency) (shop_sales_today_gross)', 'net {{currency}}': 'sum by (currency) (shop_sales_today_net)' } }),
  panel({ title: 'Units and orders today', wide: 12, asks: { units: 'sum(shop_sales_today_units)', orders: 'sum(shop_sales_today_orders)' } }),
  panel({ title: 'What shoppers do', tells: 'Commands that took effect, an hour.', wide: 12, asks: { '{{kind}}': 'topk(12, sum by (kind) (increase(commerce_commands_total{outcome="accepted"}[1h])))' } }),
  panel({ title: 'How fresh each view is', kind: 'table', unit: 's', wide: 12, asks: { '{{projection}}': 'projection:commerce_projection_lag_seconds:max' } }),
], 'now-24h');

mkdirSync('dashboards', { recursive: true });
for (const each of [shop, operations, developer, analyst]) {
  writeFileSync(`dashboards/${each.uid}.json`, `${JSON.stringify(each, undefined, 1)}\n`);
}
