SELECT
    DATE_FORMAT(o.ordered_at, '%Y-%m') AS month,
    o.ordered_at,
    o.number     AS order_number,
    c.name       AS customer,
    o.notes,
    o.line_count AS `lines`,  -- a reserved word has to be quoted
    o.total
FROM orders AS o
JOIN customers AS c ON c.id = o.customer_id
WHERE o.notes IS NOT NULL
  AND o.total >= :min_total
ORDER BY o.ordered_at DESC, o.id DESC
LIMIT :limit
