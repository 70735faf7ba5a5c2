<?php
// Makes the site of the bench: 13 posts with comments, theme Twenty Twenty-One.
define('WP_INSTALLING', true);
function wp_new_blog_notification() {}
$_SERVER['HTTP_HOST'] = 'mairie.test';
$_SERVER['SERVER_PROTOCOL'] = 'HTTP/1.1';
require $argv[1] . '/wp-load.php';
require ABSPATH . 'wp-admin/includes/upgrade.php';
wp_install('Mairie de Petit-Bourg', 'agent', 'agent@mairie.test', true, '', 'bench');
switch_theme('twentytwentyone');
mt_srand(3);
$words = explode(' ', 'le conseil municipal délibère sur la rentrée des écoles et la fermeture de la '
    . 'rue du Pont pendant les travaux du réseau de chaleur les habitants sont invités à une réunion '
    . 'publique en salle des fêtes mardi soir la médiathèque ouvre ses portes aux associations');
function paragraph($words, $count) {
    $text = [];
    for ($i = 0; $i < $count; $i++) {
        $text[] = $words[mt_rand(0, count($words) - 1)];
    }
    return ucfirst(implode(' ', $text)) . '.';
}
for ($post = 1; $post <= 13; $post++) {
    $content = '';
    for ($i = 0; $i < 3; $i++) {
        $content .= "<!-- wp:paragraph -->\n<p>" . paragraph($words, 55) . "</p>\n<!-- /wp:paragraph -->\n";
    }
    $date = sprintf('2026-10-%02d 09:00:00', $post);
    $id = wp_insert_post([
        'post_title' => paragraph($words, 6), 'post_content' => $content, 'post_status' => 'publish',
        'post_author' => 1, 'post_date' => $date, 'post_date_gmt' => $date,
    ]);
    for ($i = 0; $i < 3; $i++) {
        // No two at the same moment: their order would change from view to view.
        $at = sprintf('2026-10-%02d 10:%02d:00', $post, $i);
        wp_insert_comment([
            'comment_post_ID' => $id, 'comment_author' => "Habitant $i", 'comment_date' => $at,
            'comment_date_gmt' => $at, 'comment_content' => paragraph($words, 30), 'comment_approved' => 1,
        ]);
    }
}
update_option('posts_per_page', 13);
