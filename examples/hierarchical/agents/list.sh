pages=$(cd book && ls -- *.md | sed 's/.*/"&"/' | paste -sd, -)
echo "found $pages"
echo "{\"summary\": \"the pages of the book\", \"output\": {\"pages\": [$pages]}}" > "$TUTTI_OUTPUT_DIR/result.json"
