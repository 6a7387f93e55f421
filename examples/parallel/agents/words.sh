words=$(($(wc -w < text.txt)))
echo "$words words"
echo "{\"summary\": \"$words words\", \"output\": {\"words\": $words}}" > "$TUTTI_OUTPUT_DIR/result.json"
