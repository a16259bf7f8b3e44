-- Percent signs need no doubling.
SELECT
    DATE_FORMAT(o.ordered_at, '%Y-%m')                        AS month,
    g.name                                                    AS category,
    COUNT(DISTINCT o.id)                                      AS orders,
    SUM(i.quantity)                                           AS units,
    SUM(i.quantity * i.unit_price - i.line_total)             AS discounts,
    SUM(i.line_total)                                         AS revenue,
    ROUND(SUM(i.line_total) / SUM(i.quantity), 2)             AS average_price
FROM orders AS o
JOIN customers AS c ON c.id = o.customer_id
JOIN order_items AS i ON i.order_id = o.id
JOIN products AS p ON p.id = i.product_id
JOIN categories AS g ON g.id = p.category_id
WHERE o.ordered_at >= :from
  AND o.ordered_at < :to + INTERVAL 1 DAY
  AND o.status NOT IN ('cancelled', 'returned')
  -- An optional parameter is NULL when it was not given.
  AND (:country IS NULL OR c.country = :country)
GROUP BY month, category
ORDER BY month, category
