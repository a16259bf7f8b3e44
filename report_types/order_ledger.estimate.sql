SELECT SUM(o.line_count)
FROM orders AS o
WHERE o.ordered_at >= :from
  AND o.ordered_at < :to + INTERVAL 1 DAY
  AND (:status IS NULL OR o.status IN (:status))
