bytes=$(($(wc -c < text.txt)))
lines=$(($(wc -l < text.txt)))
echo "$bytes bytes, $lines lines"
echo "{\"summary\": \"$bytes bytes\", \"output\": {\"bytes\": $bytes, \"lines\": $lines}}" > "$TUTTI_OUTPUT_DIR/result.json"
