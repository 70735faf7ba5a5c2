<?php
// What an editor of the test's WordPress does, named by the first argument; run by the command line.
// Installing is the one thing that WordPress must know before it is loaded.
$deed = $argv[1];
if ( 'install' === $deed ) {
	define( 'WP_INSTALLING', true );
}
$_SERVER += array( 'HTTP_HOST' => 'blog.example', 'REQUEST_METHOD' => 'POST', 'HTTPS' => 'on', 'REQUEST_URI' => '/', 'SERVER_PROTOCOL' => 'HTTP/1.1' );
require getenv( 'WORDPRESS_FOLDER' ) . '/wp-load.php';
require_once ABSPATH . 'wp-admin/includes/admin.php';

function post_named( string $name ): WP_Post {
	return get_page_by_path( $name, OBJECT, array( 'post', 'page' ) );
}

function kept_post( array $more ): int {
	return wp_insert_post( $more + array( 'post_author' => 1, 'post_status' => 'publish', 'post_content' => 'Texte', 'post_type' => 'post' ), true );
}

$deeds = array(
	'install'         => function () {
		require_once ABSPATH . 'wp-admin/includes/upgrade.php';
		wp_install( 'Le blog', 'maire', 'maire@blog.example', true, '', 'trois-mots-de-passe' );
		switch_theme( 'twentytwentyone' );
		update_option( 'permalink_structure', '/%postname%/' );
		flush_rewrite_rules();
		update_option( 'active_plugins', array( 'beffroi-pages/beffroi-pages.php' ) );
		$culture = wp_insert_category( array( 'cat_name' => 'Culture' ) );
		foreach ( array( 'Un', 'Deux', 'Trois', 'Quatre' ) as $day => $title ) {
			kept_post( array( 'post_title' => $title, 'post_date' => '2024-01-0' . ( $day + 1 ) . ' 08:00:00', 'post_category' => array( $day % 2 ? $culture : 1 ) ) );
		}
		kept_post( array( 'post_title' => 'Mairie', 'post_type' => 'page' ) );
		kept_post( array( 'post_title' => 'Secret', 'post_type' => 'page', 'post_password' => 'x' ) );
	},
	'publish'         => fn() => kept_post( array( 'post_title' => 'Nouvelle', 'post_category' => array( get_cat_ID( 'Culture' ) ) ) ),
	'draft'           => fn() => kept_post( array( 'post_title' => 'Brouillon', 'post_status' => 'draft' ) ),
	'rewrite'         => fn() => wp_update_post( array( 'ID' => post_named( 'deux' )->ID, 'post_content' => 'Autre texte' ) ),
	'rewrite_page'    => fn() => wp_update_post( array( 'ID' => post_named( 'mairie' )->ID, 'post_content' => 'Ouverte le samedi' ) ),
	'rename'          => fn() => wp_update_post( array( 'ID' => post_named( 'trois' )->ID, 'post_title' => 'Troisième', 'post_name' => 'troisieme' ) ),
	'classify'        => fn() => wp_set_post_categories( post_named( 'un' )->ID, array( get_cat_ID( 'Culture' ) ) ),
	'trash'           => fn() => wp_trash_post( post_named( 'quatre' )->ID ),
	'schedule'        => fn() => kept_post( array( 'post_title' => 'Prévue', 'post_status' => 'future', 'post_date_gmt' => gmdate( 'Y-m-d H:i:s', time() + 3600 ), 'post_date' => gmdate( 'Y-m-d H:i:s', time() + 3600 ) ) ),
	'fall_due'        => function () {
		global $wpdb;
		$id   = post_named( 'prevue' )->ID;
		$past = gmdate( 'Y-m-d H:i:s', time() - 60 );
		$wpdb->update( $wpdb->posts, array( 'post_date' => $past, 'post_date_gmt' => $past ), array( 'ID' => $id ) );
		clean_post_cache( $id );
		check_and_publish_future_post( $id );
	},
	'comment'         => fn() => wp_new_comment( array( 'comment_post_ID' => post_named( 'deux' )->ID, 'comment_author' => 'Agathe', 'comment_author_email' => 'a@b.example', 'comment_author_url' => '', 'comment_content' => 'Bravo', 'user_id' => 1, 'comment_author_IP' => '127.0.0.1', 'comment_agent' => 'x', 'comment_approved' => 1 ) ),
	'approve'         => fn() => array_map( fn( $comment ) => wp_set_comment_status( $comment, 'approve' ), get_comments( array( 'status' => 'hold' ) ) ),
	'menu'            => function () {
		$menu = wp_create_nav_menu( 'Principal' );
		wp_update_nav_menu_item( $menu, 0, array( 'menu-item-title' => 'Mairie', 'menu-item-object-id' => post_named( 'mairie' )->ID, 'menu-item-object' => 'page', 'menu-item-type' => 'post_type', 'menu-item-status' => 'publish' ) );
		set_theme_mod( 'nav_menu_locations', array( 'primary' => $menu ) );
	},
	'widget'          => fn() => update_option( 'widget_block', array( 2 => array( 'content' => '<p>Un encart</p>' ), '_multiwidget' => 1 ) ),
	'title'           => fn() => update_option( 'blogname', 'Le journal' ),
	'upload'          => fn() => wp_insert_attachment( array( 'post_title' => 'Photo', 'post_mime_type' => 'image/png', 'post_status' => 'inherit' ), 'photo.png' ),
	'transient'       => fn() => set_transient( 'weather', 'rain' ),
);
$deeds[ $deed ]();
